#!/usr/bin/env node
import '../dist/indexer/main.js';
