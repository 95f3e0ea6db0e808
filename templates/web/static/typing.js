// Puts words into a text as if somebody had typed them: undoing takes them out again.
"use strict";
window.typed = (text, words, from, to) => {
  text.focus();
  text.setSelectionRange(from, to);
  if (words || from < to) {
    if (document.execCommand(words ? "insertText" : "delete", false, words)) return;
    text.setRangeText(words, from, to, "end");
    text.dispatchEvent(new Event("input", { bubbles: true }));
  }
};
