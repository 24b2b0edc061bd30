// Marks a bill as paid by the JSON endpoint that its check box names.
"use strict";

document.addEventListener("change", async (event) => {
  const box = event.target;
  if (!box.dataset.paid) return;
  box.disabled = true;
  try {
    const answer = await btSecurity.fetch(box.dataset.paid, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify({ paid: box.checked }),
    });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    box.closest("tr").classList.toggle("paid", box.checked);
  } catch (error) {
    box.checked = !box.checked;
    console.warn("The bill could not be changed:", error.message);
  } finally {
    box.disabled = false;
    box.focus();
  }
});
