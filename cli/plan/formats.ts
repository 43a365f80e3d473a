export const planFormats = ['text', 'markdown', 'json', 'sarif'] as const;
