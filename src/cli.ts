#!/usr/bin/env node
import { runProgram } from './cli/program.ts';
import { keepYoungGenerationSmall } from './logs/young-generation.ts';

keepYoungGenerationSmall();
process.exitCode = await runProgram(process.argv.slice(2));
