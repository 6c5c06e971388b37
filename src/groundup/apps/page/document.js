// Brings the cited lines of a document page into view.

if (!location.hash) document.querySelector(".cited")?.scrollIntoView({ block: "center" });
