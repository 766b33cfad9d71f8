#!/usr/bin/env node
import { createProcessContext } from "./process-context.js";
import { runProgram } from "./run-program.js";

await runProgram(createProcessContext(), process.argv.slice(2));
