{{- define "pipewright.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What a Deployment's selector holds: it can never change. */}}
{{- define "pipewright.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "pipewright.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/part-of: pipewright
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "pipewright.controllerLabels" -}}
{{ include "pipewright.selector" . }}
app.kubernetes.io/component: controller
{{- end -}}

{{- define "pipewright.drainLabels" -}}
{{ include "pipewright.selector" . }}
app.kubernetes.io/component: drain
{{- end -}}

{{- define "pipewright.postgresLabels" -}}
{{ include "pipewright.selector" . }}
app.kubernetes.io/component: postgres
{{- end -}}

{{- define "pipewright.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "pipewright.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name is empty, and serviceAccount.create is false; name an account that exists" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* The account of the hook that comes before an uninstall. */}}
{{- define "pipewright.drainName" -}}
{{- printf "%s-drain" (include "pipewright.fullname" .) -}}
{{- end -}}

{{- define "pipewright.jobsNamespace" -}}
{{- $name := default (printf "%s-jobs" .Release.Namespace) .Values.jobs.namespace -}}
{{- if eq $name .Release.Namespace -}}
{{- fail (printf "jobs.namespace is %q, the controller's own: a Job there could mount the controller's secrets; name another one" $name) -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{/* All namespaces that Jobs may run in, as a JSON list: that of the Jobs, and those that the policy adds. */}}
{{- define "pipewright.jobsNamespaces" -}}
{{- $more := .Values.jobs.policy.namespaces | default list -}}
{{- if has .Release.Namespace $more -}}
{{- fail (printf "jobs.policy.namespaces holds %q, the controller's own: a Job there could mount the controller's secrets; take it out" .Release.Namespace) -}}
{{- end -}}
{{- prepend $more (include "pipewright.jobsNamespace" .) | uniq | toJson -}}
{{- end -}}

{{- define "pipewright.image" -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}

{{- define "pipewright.runnerImage" -}}
{{- printf "%s:%s" .Values.runner.image.repository (default .Chart.AppVersion .Values.runner.image.tag) -}}
{{- end -}}

{{- define "pipewright.postgresName" -}}
{{- printf "%s-postgres" (include "pipewright.fullname" .) -}}
{{- end -}}

{{- define "pipewright.databaseSecretName" -}}
{{- default (include "pipewright.postgresName" .) .Values.database.secretName -}}
{{- end -}}

{{- define "pipewright.databaseSecretKey" -}}
{{- ternary .Values.database.secretKey "DATABASE_URL" (ne .Values.database.secretName "") -}}
{{- end -}}

{{/* "yes" where manifests lie in these values, or come from nowhere else: the source `local`. */}}
{{- define "pipewright.hasFolder" -}}
{{- if or .Values.source.files .Values.source.existingConfigMap (not .Values.sources) -}}yes{{- end -}}
{{- end -}}

{{/* The secrets of sources that the controller may read, as a JSON list. */}}
{{- define "pipewright.sourceSecrets" -}}
{{- $names := .Values.sourceSecrets -}}
{{- range .Values.sources -}}
{{- with ((.git).secretRef).name -}}{{- $names = append $names . -}}{{- end -}}
{{- with (((.git).verify).signersRef).name -}}{{- $names = append $names . -}}{{- end -}}
{{- end -}}
{{- $names | uniq | sortAlpha | toJson -}}
{{- end -}}

{{- define "pipewright.sourceConfigMap" -}}
{{- default (printf "%s-pipelines" (include "pipewright.fullname" .)) .Values.source.existingConfigMap -}}
{{- end -}}

{{/* A ConfigMap's keys have no slashes. */}}
{{- define "pipewright.fileKey" -}}
{{- . | replace "/" "__" -}}
{{- end -}}

{{- define "pipewright.podSecurity" -}}
runAsNonRoot: true
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "pipewright.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}
