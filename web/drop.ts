import { useEffect, useState } from 'preact/hooks';

/** Takes a picture dropped anywhere on the page or pasted into it. Returns whether one hovers above it. */
export function useDrop(onImage: (file: File) => void): boolean {
  const [hovering, setHovering] = useState(false);
  useEffect(() => {
    const controller = new AbortController();
    const listen = <K extends keyof DocumentEventMap>(name: K, listener: (event: DocumentEventMap[K]) => void) =>
      document.addEventListener(name, listener, { signal: controller.signal });
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
    listen('dragover', (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setHovering(true);
    });
    // Leaving one element for another inside the page is no departure.
    listen('dragleave', (event) => event.relatedTarget === null && setHovering(false));
    listen('drop', (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setHovering(false);
      const [file] = event.dataTransfer?.files ?? [];
      if (file) onImage(file);
    });
    listen('paste', (event) => {
      // Cells of a table come as words and as a picture of them: in a field the words are meant.
      const isWords = event.clipboardData?.types.includes('text/plain');
      if (isWords && event.target instanceof HTMLInputElement) return;
      const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith('image/'));
      if (file) onImage(file);
    });
    return () => controller.abort();
  }, [onImage]);
  return hovering;
}
