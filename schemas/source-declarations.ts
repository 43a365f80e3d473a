import type { PipelineSourceResourceSpec } from './generated/types.ts';

/** A source as a file, flags or a custom resource declare it: checked, with its interval in ms. */
export type SourceDeclaration = {
  readonly name: string;
  readonly spec: PipelineSourceResourceSpec;
  readonly everyMs: number;
};
