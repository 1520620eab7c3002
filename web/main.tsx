import { render } from 'preact';

render(<h1>Patchword</h1>, document.getElementById('page')!);
