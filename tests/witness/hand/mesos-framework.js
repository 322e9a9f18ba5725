"use strict";
// A framework on the npm package mesos-framework 0.5.3 (JSON; its own state in ZooKeeper where ZK=HOST:PORT is set). See README.md.
//   node mesos-framework.js HOST:PORT[,HOST:PORT...]
const { Scheduler, Mesos } = require("mesos-framework");
const types = Mesos.getMesos();
const masters = process.argv[2].split(",").map(each => each.split(":"));
const resources = { cpus: 0.1, mem: 32, ports: 0, disk: 0 };
const command = text => new types.CommandInfo(null, null, true, text, null, null);
const say = (...words) => console.log("saw", ...words);

const scheduler = new Scheduler({
    masterUrl: masters[0][0], port: masters[0][1], frameworkName: "witness-node-" + process.pid,
    useZk: Boolean(process.env.ZK), zkUrl: process.env.ZK, masterConnectionTimeout: 30,
    logging: { level: "error", path: require("os").tmpdir(), fileName: "mesos-framework.log" },
    restartStates: ["TASK_LOST"],
    tasks: {
        quick: { priority: 1, instances: 2, commandInfo: command("sleep 1"), resources: { ...resources, ports: 1 } },
        stays: { priority: 2, instances: 1, commandInfo: command("sleep 300"), resources }
    }
});

const deadline = setTimeout(() => { console.log("too late"); process.exit(1); }, 90000);
const ended = {};
let subscriptions = 0, turn = 0, killed = false;

// The client tries only the master that it knows, and hears of a stream's end but not of its break; who leads now is its user's business.
function next() {
    [scheduler.options.masterUrl, scheduler.options.port] = masters[++turn % masters.length];
    scheduler.generateRequestTemplate();
    setTimeout(() => scheduler.subscribe(), 1000);
}

scheduler.on("subscribed", event => {
    subscriptions++;
    scheduler.httpRequest.socket.setTimeout(0);
    const stream = scheduler.httpRequest.res;
    stream.on("close", () => { if (!stream.complete) { say("stream broke"); next(); } });
    say("subscribed", event.frameworkId, scheduler.options.port);
});
scheduler.on("sent_accept", () => say("accept taken"));
scheduler.on("update", event => {
    const status = event.status;
    say(status.task_id.value.split(".")[1], status.state, status.reason || "");
    if (/FINISHED|FAILED|KILLED/.test(status.state)) ended[status.task_id.value] = status.state;
    if (Object.keys(ended).length === 3) {
        scheduler.teardown();
        scheduler.on("sent_teardown", () => {
            console.log("done", Object.values(ended).sort().join(" "));
            clearTimeout(deadline);
            process.exit(0);
        });
    }
});
scheduler.on("error", error => {
    const text = String(error.message || error);
    say("error:", text);
    if (/ECONN|socket hang up/.test(text)) {
        next();
    } else if (/No leader elected/.test(text)) {
        setTimeout(() => scheduler.subscribe(), 1000);
    }
});
scheduler.on("ready", () => scheduler.subscribe());

// After a change of master (without one: after ten seconds) what still runs is asked for, and killed.
setInterval(() => {
    const task = scheduler.launchedTasks.find(each => each.taskId.includes("stays") && each.runtimeInfo.agentId);
    const due = subscriptions > 1 || process.uptime() > (masters.length > 1 ? 60 : 10);
    if (task && due && !killed) {
        killed = true;
        scheduler.reconcile(task.taskId, task.runtimeInfo.agentId);
        setTimeout(() => scheduler.kill(task.taskId, task.runtimeInfo.agentId), 2000);
    }
}, 500);
