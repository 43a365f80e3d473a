/** The API server refused a call. `status` is HTTP's, `reason` the server's own word, such as `Forbidden`. */
export class KubernetesError extends Error {
  readonly status: number;
  readonly reason: string;
  /** Ms after which the server wants to be asked again; null where it did not say. */
  readonly retryAfterMs: number | null;

  constructor(message: string, answer: { status: number; reason: string; retryAfterMs?: number | null }) {
    super(message);
    this.name = 'KubernetesError';
    this.status = answer.status;
    this.reason = answer.reason;
    this.retryAfterMs = answer.retryAfterMs ?? null;
  }
}
