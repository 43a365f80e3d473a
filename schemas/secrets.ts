/** The environment variable in which a task finds a secret: `secretKeyRef {name, key}`. The encoding is injective. */
export function secretVariable(secret: { name: string; key: string }): string {
  return `PIPEWRIGHT_SECRET_${encode(secret.name)}__${encode(secret.key)}`;
}

function encode(text: string): string {
  return text.replace(/[^A-Za-z0-9]/g, (character) => `_x${character.charCodeAt(0).toString(16)}_`);
}
