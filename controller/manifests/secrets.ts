/** Whether a header of this name carries a secret. */
export function isSecretHeader(name: string): boolean {
  return /authorization|api-?key|token|secret|password|cookie/i.test(name);
}

/** Whether a URL carries a password before its host that is no expression. */
export function hasPassword(url: string): boolean {
  const [, password] = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s:]*:([^/?#@\s]+)@/i.exec(url) ?? [];
  return password !== undefined && !password.startsWith('{{');
}

/** One call of `env_var` without a default, or with an empty one: a default would be the secret in clear text. */
const lookUp = String.raw`\{\{\s*env_var\(\s*(?:'\w+'|"\w+")\s*(?:,\s*(?:''|"")\s*)?\)\s*\}\}`;
const onlyLookUp = new RegExp(`^${lookUp}$`);
const schemeAndLookUp = new RegExp(`^(?:basic|bearer|token|apikey)\\s+${lookUp}$`, 'i');

/** Whether the text of a secret keeps it out of the manifest. A header may name its scheme first: `Bearer {{ … }}`. */
export function isLookedUp(text: string): boolean {
  return onlyLookUp.test(text) || schemeAndLookUp.test(text);
}

/** Whether an environment variable of this name carries a secret: by its last word, since `MAX_TOKENS` is none. */
export function isSecretVariable(name: string): boolean {
  return /(^|_)(password|passwd|secret|token|api_?key|access_?key|private_?key|credentials?)$/i.test(name);
}
