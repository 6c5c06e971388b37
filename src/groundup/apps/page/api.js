// The server's interface: a streamed chat completion, documents, feedback.

async function refusal(response) {
  try {
    return (await response.json()).error.message;
  } catch {
    return `The server answered with status ${response.status}.`;
  }
}

async function request(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server cannot be reached. Is it still running?");
  }
  if (!response.ok) throw new Error(await refusal(response));
  return response;
}

const post = (path, body, signal) =>
  request(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });

export const about = async () => (await request("/about")).json();

export const sendFeedback = async (judgement) => (await post("/feedback", judgement)).json();

export async function documentLines(citation, context) {
  const lines = `${citation.start_line}-${citation.end_line}`;
  const path = `/documents/${encodeURIComponent(citation.doc_id)}?lines=${lines}&context=${context}`;
  return (await request(path, { headers: { accept: "application/json" } })).json();
}

/** Yield the JSON events of a server-sent stream; throws when it breaks off before [DONE]. */
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    let chunk;
    try {
      chunk = await reader.read();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Error("The connection was lost while the answer was on its way.");
    }
    if (chunk.done) throw new Error("The server broke off the answer.");
    const lines = (rest + chunk.value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (line === "data: [DONE]") return;
      if (line.startsWith("data: ")) yield JSON.parse(line.slice(6));
    }
  }
}

/** Ask; `onText` gets each piece. Returns the `groundup` object of the finished answer. */
export async function ask(model, messages, signal, onText) {
  const response = await post("/v1/chat/completions", { model, messages, stream: true }, signal);
  let extra = null;
  for await (const event of events(response)) {
    if (event.error) throw new Error(event.error.message);
    const text = event.choices?.[0]?.delta?.content;
    if (text) onText(text);
    if (event.groundup) extra = event.groundup;
  }
  return extra;
}
