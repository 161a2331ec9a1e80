/**
 * Loaded before the build of the suite is started: keeps what V8 made of each of its files for the
 * next start, which then takes two thirds of the work.
 */
const { readFileSync, renameSync, writeFileSync } = require('node:fs');
const Module = require('node:module');
const { dirname, sep } = require('node:path');
const vm = require('node:vm');

const BUILT = process.env['TEST_BUILD'];
/** Of which nothing is kept yet. */
const made = new Map();
const compile = Module.prototype._compile;

Module.prototype._compile = function (content, file, ...rest) {
  // What is kept of a file has lost the way to what it imports when it runs.
  const isOther = BUILT === undefined || !file.startsWith(BUILT + sep);
  if (isOther || /\bimport\(/.test(content)) {
    return compile.call(this, content, file, ...rest);
  }
  const cachedData = kept(file);
  const script = new vm.Script(Module.wrap(content.replace(/^#!.*/, '')), {
    filename: file,
    cachedData,
  });
  if (cachedData === undefined) made.set(file, script);
  const load = Object.assign(id => this.require(id), Module.createRequire(file));
  const run = script.runInThisContext();
  return run.call(this.exports, this.exports, load, this, file, dirname(file));
};

function kept(file) {
  try {
    return readFileSync(`${file}.kept`);
  } catch {
    return undefined;
  }
}

// Then it holds the functions that were called, as well.
process.on('exit', () => {
  for (const [file, script] of made) {
    const draft = `${file}.${process.pid}`;
    try {
      writeFileSync(draft, script.createCachedData());
      renameSync(draft, `${file}.kept`);
    } catch {
      // The suite has ended, and its build is gone.
    }
  }
});
