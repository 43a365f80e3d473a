import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import type { TaskReport } from '../../schemas/generated/types.ts';
import { messageOf } from '../errors.ts';
import { fitReport } from './fit-report.ts';
import { post } from './post.ts';
import type { ReportTo } from './settings.ts';

/** A controller that is restarted or moved is back before this. Milliseconds. */
const patienceMs = 120_000;
const firstWaitMs = 250;
const longestWaitMs = 10_000;
const answerMs = 10_000;

/** The controller takes a mebibyte. Bytes. */
const largest = 1_000_000;

/**
 * Delivers the report, with growing waits while nobody answers or the controller is busy; gives up after two minutes, and at once
 * when it is refused. Never throws; false when it was not delivered.
 */
export async function sendReport(
  report: TaskReport,
  to: ReportTo | null,
  log: (line: string) => void,
): Promise<boolean> {
  if (!to) return false;
  const body = JSON.stringify(fitReport(report, (form) => Buffer.byteLength(JSON.stringify(form)) <= largest));
  const deadline = performance.now() + patienceMs;
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(longestWaitMs, waitMs * 2)) {
    const failure = await send(to, body);
    if (failure === null) return true;
    if (failure.final || performance.now() + waitMs > deadline) {
      log(`the report could not be delivered (${failure.fact}); its small form is in the pod's status`);
      return false;
    }
    // Not all at the same moment: many runners may have waited for the same controller.
    await pause(waitMs * (0.75 + Math.random() / 2));
  }
}

/** Null when the report was taken; otherwise why not, and whether another try is of no use. */
async function send({ url, token }: ReportTo, body: string): Promise<{ fact: string; final: boolean } | null> {
  try {
    const answer = await post(url, { token, body, signal: AbortSignal.timeout(answerMs) });
    const status = answer.statusCode ?? 0;
    const said = (await text(answer)).slice(0, 500);
    if (status >= 200 && status < 300) return null;
    return { fact: `HTTP ${status}: ${said}`, final: status < 500 && status !== 429 };
  } catch (error) {
    return { fact: messageOf(error), final: false };
  }
}
