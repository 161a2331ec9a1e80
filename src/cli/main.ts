#!/usr/bin/env node
import { failed } from './errors.ts';
import { program } from './program.ts';

program.parseAsync().catch(failed);
