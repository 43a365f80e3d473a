#!/usr/bin/env node
// kubectl asks a program of this name what may follow `kubectl pipewright …`.
import './bin.mjs';
