/** A browser under a POSIX locale may name a language that `Intl` refuses ("en-US@posix"), with which uPlot cannot even load. */
try {
  Intl.getCanonicalLocales(navigator.language);
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en-US' });
}
