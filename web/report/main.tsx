import './language.js'; // first: before uPlot loads
import { render } from 'preact';
import 'uplot/dist/uPlot.min.css';
import type { Report } from '../../src/evaluation/report.js';
import { Page } from './page.js';

const report = JSON.parse(document.getElementById('report')!.textContent) as Report;
const { name, split } = report.result.dataset;
document.title = `${split === null ? name : `${name}, ${split}`}: evaluation`;
render(<Page report={report} />, document.getElementById('page')!);
