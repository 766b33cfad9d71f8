#!/usr/bin/env node
// Committed, because npm links only commands whose file is there when it installs, and dist is built after that.
import "../dist/main.js";
