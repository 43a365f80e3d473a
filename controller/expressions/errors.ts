/** `environment`: a variable that `env_var` names is not set. `expression`: anything else about the text or its values. */
export type ExpressionErrorKind = 'expression' | 'environment';

/** An expression that could not be evaluated or converted. The message is one sentence for a person. */
export class ExpressionError extends Error {
  readonly kind: ExpressionErrorKind;

  constructor(message: string, kind: ExpressionErrorKind = 'expression') {
    super(message);
    this.name = 'ExpressionError';
    this.kind = kind;
  }
}
