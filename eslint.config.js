import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

// postgres.js and drizzle open transactions on connections that others may use
// (porsager/postgres #823, #1204): ours are in src/db/transaction.ts.
const NO_BEGIN = {
  selector: "CallExpression[callee.property.name='begin']",
  message: 'use db/transaction.ts',
};
/** `{ ...{ a, b } }` hides properties on one line. */
const NO_SPREAD_LITERAL = {
  selector: 'ObjectExpression > SpreadElement > ObjectExpression',
  message: 'write the properties without the braces',
};

export default defineConfig(
  { ignores: ['dist', 'coverage', 'bench'] },
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.strict],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'func-style': ['error', 'declaration', { allowArrowFunctions: true }],
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true } }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
      'max-params': ['error', 4],
      'max-depth': ['error', 3],
      'no-restricted-syntax': ['error', NO_BEGIN, NO_SPREAD_LITERAL],
    },
  },
  {
    files: ['test/**/*.ts', 'scripts/**/*.ts', '*.config.ts'],
    rules: {
      'max-lines': 'off',
      'max-lines-per-function': 'off',
      'max-params': 'off',
      'no-restricted-exports': 'off',
      'no-restricted-syntax': ['error', NO_BEGIN],
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
);
