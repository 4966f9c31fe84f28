#!/usr/bin/env node
import { runProgram } from './cli/program.ts';
import { keepNurserySmall } from './logs/nursery.ts';

keepNurserySmall();
process.exitCode = await runProgram(process.argv.slice(2));
