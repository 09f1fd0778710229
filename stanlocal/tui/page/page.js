// Keys go to the terminal from the start: it takes them once its hidden input has the focus.
const terminal = document.getElementById("terminal");

function focusTerminal() {
  const input = terminal.querySelector(".xterm-helper-textarea");
  input?.focus();
  return input !== null;
}

new MutationObserver((_, observer) => {
  if (focusTerminal()) observer.disconnect();
}).observe(terminal, { childList: true, subtree: true });
window.addEventListener("load", focusTerminal);
document.getElementById("again").addEventListener("click", () => location.reload());
