import * as http from 'node:http';
import * as https from 'node:https';

type Message = { readonly token: string; readonly body: string; readonly signal: AbortSignal };

/** Posts JSON with a bearer token; the answer is still to be read. Rejects when nobody answers. */
export function post(url: string, { token, body, signal }: Message): Promise<http.IncomingMessage> {
  const { request } = url.startsWith('https:') ? https : http;
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  };
  return new Promise((resolve, reject) => {
    // The signal also ends an answer that has begun and does not go on.
    request(url, { method: 'POST', headers, signal }, resolve).on('error', reject).end(body);
  });
}
