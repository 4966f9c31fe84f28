#!/usr/bin/env node
import module from 'node:module';
import { runProgram } from './cli/program.ts';
import { keepHeapSmall } from './logs/small-heap.ts';

// Of what is loaded from here on, which is most of it. Node has it from 22.1 on.
(module as { enableCompileCache?: () => unknown }).enableCompileCache?.();
keepHeapSmall();
process.exitCode = await runProgram(process.argv.slice(2));
