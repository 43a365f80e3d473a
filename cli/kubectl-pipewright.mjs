#!/usr/bin/env node
// `kubectl pipewright`: kubectl looks for a program of this name on PATH. cli/main.ts tells by the name how it was called.
import './bin.mjs';
