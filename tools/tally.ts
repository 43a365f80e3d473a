import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node';

/** Counts over all suites. What failed outside a test (a file that does not load, a hook, a stray rejection) counts too. */
export function createTally() {
  const counts = { passed: 0, failed: 0 };
  const skipped: string[] = [];
  const fail = (message: string) => {
    counts.failed++;
    console.log(message);
  };
  const count = (test: TestCase) => {
    const result = test.result();
    if (result.state === 'passed') counts.passed++;
    else if (result.state === 'skipped')
      skipped.push(`${test.module.relativeModuleId}: ${test.fullName}: ${result.note ?? 'no reason given'}`);
    else counts.failed++;
  };
  const reporter: Reporter = {
    onTestRunEnd(modules, unhandledErrors) {
      for (const module of modules) {
        for (const test of module.children.allTests()) count(test);
        counts.failed += brokenSuites(module);
      }
      counts.failed += unhandledErrors.length;
    },
  };
  return {
    reporter,
    fail,
    add(more: { passed: number; failed: number }) {
      counts.passed += more.passed;
      counts.failed += more.failed;
    },
    /** One failure for all of them, each with the reason it gives. */
    refuseSkipped() {
      if (skipped.length > 0) fail(['these tests were skipped, and must not be in CI:', ...skipped].join('\n  '));
    },
    /** `failedElsewhere`: something said so that none of the counted things stands for. */
    close(failedElsewhere: boolean): { line: string; failed: number } {
      const { passed } = counts;
      const silent = counts.failed === 0 && (failedElsewhere || passed === 0);
      if (silent) fail(passed === 0 ? 'no test ran' : 'a failure was reported that belongs to no test; see above');
      const skips = skipped.length > 0 ? `, ${skipped.length} skipped` : '';
      return { line: `${passed} passed, ${counts.failed} failed${skips}`, failed: counts.failed };
    },
  };
}

/** How many of the module and its suites failed by themselves, in a hook or while loading. */
function brokenSuites(module: TestModule): number {
  const all: (TestModule | TestSuite)[] = [module, ...module.children.allSuites()];
  return all.filter((suite) => suite.errors().length > 0).length;
}
