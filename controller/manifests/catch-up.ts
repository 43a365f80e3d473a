import type { CompiledSchedule, Schedule } from '../../schemas/generated/types.ts';
import type { Report } from './context.ts';

const path = ['spec', 'schedule', 'catchUp'];

const lengths = { minute: 60_000, hour: 3_600_000 } as const;

/** Checks `catchUp` and gives it in its one form: limits are left out where there are none, so that the map alone changes nothing. */
export function compileCatchUp(
  { catchUp = 'latest' }: Schedule,
  report: Report,
): Pick<CompiledSchedule, 'catchUp' | 'catchUpLimits'> {
  if (typeof catchUp === 'string') return { catchUp };
  const { mode, maxWindows, rate, order } = catchUp;
  const stray = (['maxWindows', 'rate', 'order'] as const).filter((field) => catchUp[field] !== undefined);
  if (mode !== 'all') {
    for (const field of stray) {
      report([...path, field], 'bad-value', `is for \`mode: all\`, and this is ${mode}; remove it or change the mode`, {
        on: 'key',
      });
    }
    return { catchUp: mode };
  }
  const limits = {
    ...(maxWindows === undefined ? {} : { maxWindows }),
    ...(rate === undefined ? {} : { rate: rateOf(rate) }),
    ...(order === 'newest' ? { order } : {}),
  };
  return { catchUp: mode, ...(Object.keys(limits).length > 0 && { catchUpLimits: limits }) };
}

/** `6 per minute`, which the schema has checked. */
function rateOf(text: string): { windows: number; everyMs: number } {
  const [windows, , unit] = text.split(' ');
  return { windows: Number(windows), everyMs: unit === 'hour' ? lengths.hour : lengths.minute };
}
