import { expect, test } from 'vitest';
import { openHttp } from '../../../../runner/connections/http.ts';
import { secretVariable } from '../../../../schemas/secrets.ts';

const scope = { variables: {}, window: null, timeZone: 'UTC' };
const open = (spec: Parameters<typeof openHttp>[0]['spec'], environment: Record<string, string> = {}) =>
  openHttp({ name: 'taxi', spec, scope, environment });

test('paths continue the base URL, with and without slashes', () => {
  for (const url of ['https://example.org/data', 'https://example.org/data/']) {
    const connection = open({ url });
    expect(connection.resolve('month.csv?x=1').href).toBe('https://example.org/data/month.csv?x=1');
    expect(connection.resolve('/month.csv').href).toBe('https://example.org/data/month.csv');
    expect(connection.resolve('https://example.org/data/month.csv').href).toBe('https://example.org/data/month.csv');
  }
});

test.each(['https://other.org/data/x', 'https://example.org/other', '../x', 'http://example.org/data/x'])(
  '%s does not lie below the connection, whose headers would go with it',
  (path) => {
    expect(() => open({ url: 'https://example.org/data' }).resolve(path)).toThrow(
      /does not lie below https:\/\/example.org\/data\//,
    );
  },
);

test('headers come from secrets and the environment, by lower-case names', () => {
  const token = { name: 'api', key: 'token' };
  const { headers } = open(
    {
      url: "{{ env_var('BASE') }}",
      headers: { Authorization: { secretKeyRef: token }, 'X-Key': "key {{ env_var('KEY') }}" },
    },
    { BASE: 'http://127.0.0.1:1', KEY: 'k', [secretVariable(token)]: 'Bearer t' },
  );
  expect(headers).toEqual({ authorization: 'Bearer t', 'x-key': 'key k' });
});

test('what is missing is named, and no value is', () => {
  const headers = { Authorization: { secretKeyRef: { name: 'api', key: 'token' } } };
  expect(() => open({ url: 'http://x', headers })).toThrow(
    expect.objectContaining({
      reason: 'MissingSecret',
      message: `connection "taxi": headers.Authorization: secret "api" has no key "token"; put it into <home>/secrets/api/token, or set ${secretVariable({ name: 'api', key: 'token' })}`,
    }),
  );
  expect(() => open({ url: "{{ env_var('BASE') }}" })).toThrow(
    expect.objectContaining({
      reason: 'MissingSecret',
      message: expect.stringContaining('connection "taxi": url: environment variable BASE is not set'),
    }),
  );
  expect(() => open({ url: "{{ env_var('BASE') }}" }, { BASE: 'ftp://secret@x' })).toThrow(
    expect.objectContaining({
      reason: 'ConnectionFailed',
      message: 'connection "taxi": url is not an http or https address; give one such as https://example.org/data',
    }),
  );
});
