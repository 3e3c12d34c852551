// Before anything is painted: the colours that were chosen here, so that nothing flashes.
try {
  const kept = localStorage.getItem("outrider.theme");
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
} catch {
  // Storage may be forbidden; then the system's colours stay.
}
