/** What a kind of task puts into its pod: fields of the container, and the volumes that it mounts. */
export type PodPart = {
  readonly container: object;
  readonly mounts: readonly object[];
  readonly volumes: readonly object[];
};

/** `$(NAME)` in a value would be replaced by the kubelet; `$$` keeps it as it is. */
export function literal(text: string): string {
  return text.replaceAll('$', '$$$$');
}
