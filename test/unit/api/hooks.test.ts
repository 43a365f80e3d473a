import { createHmac } from 'node:crypto';
import { connect } from 'node:net';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createHookApi } from '../../../controller/api/hook-server.ts';

const secret = 'a long secret of the forge';
const body = JSON.stringify({ ref: 'refs/heads/main' });
const hmac = (text: string, key = secret) => createHmac('sha256', key).update(text).digest('hex');

let pushes: number;
let hooks: ReturnType<typeof createHookApi>;
let url: string;
beforeEach(async () => {
  pushes = 0;
  const onPush = () => void pushes++;
  hooks = createHookApi({ secret, onPush, log: pino({ level: 'silent' }), gapMs: 100, requestMs: 2_000 });
  url = `${await hooks.listen({ host: '127.0.0.1', port: 0 })}/hooks/git`;
});
afterEach(() => hooks.close());

const send = async (headers: Record<string, string>, text: string | Buffer | ReadableStream = body) =>
  (await fetch(url, { method: 'POST', headers, body: text, duplex: 'half' })).status;

test.each([
  ['GitHub', { 'x-hub-signature-256': `sha256=${hmac(body)}`, 'content-type': 'application/json' }],
  [
    'GitHub, as a form',
    { 'x-hub-signature-256': `sha256=${hmac(body)}`, 'content-type': 'application/x-www-form-urlencoded' },
  ],
  ['Gitea', { 'x-gitea-signature': hmac(body), 'content-type': 'application/json' }],
  ['Forgejo', { 'x-forgejo-signature': hmac(body), 'content-type': 'application/json' }],
  ['Bitbucket', { 'x-hub-signature': `sha256=${hmac(body)}`, 'content-type': 'application/json' }],
  ['GitLab', { 'x-gitlab-token': secret, 'content-type': 'application/json' }],
  ['anybody with the secret', { authorization: `Bearer ${secret}` }],
])('a push from %s is told', async (_forge, headers) => {
  expect(await send(headers)).toBe(202);
  expect(pushes).toBe(1);
});

test.each([
  ['nothing', {}],
  ['a signature with another secret', { 'x-hub-signature-256': `sha256=${hmac(body, 'other')}` }],
  ['the signature of another body', { 'x-gitea-signature': hmac('other') }],
  ['another token', { 'x-gitlab-token': `${secret}x` }],
  ['a signature that is none', { 'x-hub-signature-256': 'sha1=1234' }],
])('with %s it is refused', async (_case, headers) => {
  expect(await send(headers)).toBe(401);
  expect(pushes).toBe(0);
});

test('a push that is sent once more is told once', async () => {
  const headers = { 'x-gitea-signature': hmac(body) };
  expect([await send(headers), await send(headers)]).toEqual([202, 202]);
  const other = JSON.stringify({ ref: 'refs/heads/other' });
  expect(await send({ 'x-gitea-signature': hmac(other) }, other)).toBe(202);
  await expect.poll(() => pushes).toBe(2);
});

test('a body of ten megabytes is refused, before it is read where nothing vouches for it', async () => {
  const large = Buffer.alloc(10_000_000, 'x');
  const signed = { 'x-gitea-signature': hmac(large.toString()) };
  expect(await send(signed, large).catch(() => 413)).toBe(413);
  expect(await send(signed, new Blob([large]).stream()).catch(() => 413)).toBe(413);
  expect(await send({ 'x-gitlab-token': secret }, large).catch(() => 413)).toBe(413);
  expect(await send({}, large).catch(() => 401)).toBe(401);
  expect(pushes).toBe(0);
});

test('of a flood the first and the last are told', async () => {
  const one = (index: number) => {
    const text = JSON.stringify({ index });
    return send({ 'x-gitea-signature': hmac(text) }, text);
  };
  const all = await Promise.all(Array.from({ length: 200 }, (_, index) => one(index)));
  expect(new Set(all)).toEqual(new Set([202]));
  const before = pushes;
  expect(before).toBeGreaterThan(0);
  await expect.poll(() => pushes).toBeGreaterThan(1);
  expect(pushes).toBeLessThan(100);
});

test('a body in pieces is told when its signature fits all of them', async () => {
  const text = 'x'.repeat(1_000_000);
  expect(await send({ 'x-gitea-signature': hmac(text) }, new Blob([text]).stream())).toBe(202);
  expect(await send({ 'x-gitea-signature': hmac(`${text}x`) }, new Blob([text]).stream())).toBe(401);
  expect(pushes).toBe(1);
});

test.each([
  ['whose head never ends', 'POST /hooks/git HTTP/1.1\r\nx-drop: '],
  [
    'whose body never ends',
    `POST /hooks/git HTTP/1.1\r\nhost: x\r\nx-gitea-signature: ${hmac('x')}\r\ncontent-length: 1000\r\n\r\n`,
  ],
])('requests by drops, %s, are cut off, and stop no others meanwhile', async (_case, begin) => {
  const { port } = new URL(url);
  const slow = Array.from({ length: 100 }, () => connect(Number(port), '127.0.0.1').on('error', () => {}));
  const closed = slow.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
  for (const socket of slow) socket.write(begin);
  const drops = setInterval(() => {
    for (const socket of slow) if (socket.writable) socket.write('x');
  }, 100);
  try {
    expect(await send({ authorization: `Bearer ${secret}` })).toBe(202);
    await Promise.all(closed);
  } finally {
    clearInterval(drops);
  }
  expect(pushes).toBe(1);
});
