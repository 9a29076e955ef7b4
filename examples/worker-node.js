// A worker of the dispatcher interface, with ws.
//
//   npm install ws
//   node examples/worker-node.js ws://localhost:3000/ws?group=default
//
// It connects again by itself, until Ctrl-C.

const WebSocket = require('ws');

const url = process.argv[2] || 'ws://localhost:3000/ws?group=default';
const AGAIN_MS = 1000;

// Whatever is to be done; what it returns is the task's result.
async function processTask({ data, model, messages }) {
  return { success: true, model, data: data ?? messages };
}

async function answer(task) {
  const began = Date.now();
  try {
    const result = await processTask(task.payload);
    return { type: 'task_complete', taskId: task.taskId, result, duration: Date.now() - began };
  } catch (error) {
    return { type: 'task_error', taskId: task.taskId, error: error.message, duration: Date.now() - began };
  }
}

function connect() {
  const ws = new WebSocket(url);
  ws.on('open', () => console.log('connected'));
  ws.on('message', async (text) => {
    const message = JSON.parse(text.toString());
    if (message.type === 'connected') {
      console.log('worker:', message.workerId);
      ws.send(JSON.stringify({ type: 'ready' }));
    } else if (message.type === 'task') {
      console.log('task:', message.taskId);
      ws.send(JSON.stringify(await answer(message)));
    }
  });
  ws.on('error', (error) => console.error(error.message));
  ws.on('close', () => setTimeout(connect, AGAIN_MS));
}

connect();
