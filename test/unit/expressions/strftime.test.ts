import { expect, test } from 'vitest';
import { formatInstant, unknownDirective } from '../../../controller/expressions/strftime.ts';
import { formatDirectives } from '../../../schemas/expressions.ts';

const instant = new Date('2019-03-10T07:08:09.500Z');

test.each([
  ['%Y-%m-%d', 'UTC', '2019-03-10'],
  ['%y %j %b %B %a %A', 'UTC', '19 069 Mar March Sun Sunday'],
  ['%H:%M:%S %T %F', 'America/New_York', '03:08:09 03:08:09 2019-03-10'],
  ['%z %Z', 'America/New_York', '-0400 EDT'],
  ['%z %Z', 'UTC', '+0000 UTC'],
  ['%s 100%%', 'Asia/Kathmandu', '1552201689 100%'],
  ['%F %T %z', '+05:30', '2019-03-10 12:38:09 +0530'],
])('writes %s in %s as %s', (pattern, zone, text) => {
  expect(formatInstant(instant, pattern, zone)).toBe(text);
});

test('refuses a directive that it does not know, and a percent sign at the end', () => {
  expect(() => formatInstant(instant, '%Q', 'UTC')).toThrow('format knows no directive "%Q"; it knows %Y %y %m');
  expect(unknownDirective('%Y%')).toBe('%');
  expect(unknownDirective('%%Q')).toBe(undefined);
});

test('writes something for every directive of the table', () => {
  for (const directive of Object.keys(formatDirectives))
    expect(formatInstant(instant, directive, 'Europe/Berlin')).not.toBe('');
});
