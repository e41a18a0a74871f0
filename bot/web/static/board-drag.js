// Dragging one question onto another merges them. The same can be done with keys and with the selection.

let dragged = null;

/** The number of people is the handle; `drop(dragged id, id it was dropped onto)`. */
export function draggable(row, drop) {
  const handle = row.querySelector(".row-people");
  handle.addEventListener("dragstart", (event) => {
    dragged = row.dataset.id;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged);
    event.dataTransfer.setDragImage(row, 20, 20);
  });
  handle.addEventListener("dragend", () => (dragged = null));
  row.addEventListener("dragover", (event) => {
    if (dragged === null || dragged === row.dataset.id) return;
    event.preventDefault();
    row.classList.add("drop");
  });
  row.addEventListener("dragleave", (event) => row.contains(event.relatedTarget) || row.classList.remove("drop"));
  row.addEventListener("drop", (event) => {
    row.classList.remove("drop");
    if (dragged === null || dragged === row.dataset.id) return;
    event.preventDefault();
    drop(dragged, row.dataset.id);
    dragged = null; // where its row is gone, "dragend" never comes
  });
}
