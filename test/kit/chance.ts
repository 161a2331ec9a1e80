import fc from 'fast-check';

/** What is drawn by chance is the same in each run; TEST_SEED draws something else. */
fc.configureGlobal({ seed: Number(process.env['TEST_SEED'] ?? 1) });
