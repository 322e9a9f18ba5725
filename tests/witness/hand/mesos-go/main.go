// A framework on mesos-go's v1 scheduler client, and every read of its operator client. See ../README.md.
//
//	gowitness -master HOST:PORT [-codec json] [-image NAME]
//
// It waits for a second subscription before its last task: restart the master meanwhile.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/gogo/protobuf/proto"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/backoff"
	"github.com/mesos/mesos-go/api/v1/lib/encoding/codecs"
	"github.com/mesos/mesos-go/api/v1/lib/extras/scheduler/callrules"
	"github.com/mesos/mesos-go/api/v1/lib/extras/scheduler/controller"
	"github.com/mesos/mesos-go/api/v1/lib/extras/scheduler/eventrules"
	"github.com/mesos/mesos-go/api/v1/lib/extras/store"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli/httpmaster"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli/httpsched"
	"github.com/mesos/mesos-go/api/v1/lib/master"
	mastercalls "github.com/mesos/mesos-go/api/v1/lib/master/calls"
	"github.com/mesos/mesos-go/api/v1/lib/resources"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler/calls"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler/events"
)

func main() {
	addr := flag.String("master", "127.0.0.1:5050", "host and port of the master")
	codec := flag.String("codec", "protobuf", "protobuf or json")
	image := flag.String("image", "", "an image for all tasks; the host's programs without it")
	flag.Parse()
	c := codecs.ByMediaType[codecs.MediaTypeProtobuf]
	if *codec == "json" {
		c = codecs.ByMediaType[codecs.MediaTypeJSON]
	}
	operator(*addr)
	fid := store.NewInMemorySingleton()
	cl := httpsched.NewCaller(httpcli.New(httpcli.Endpoint("http://"+*addr+"/api/v1/scheduler"), httpcli.Codec(c)), httpsched.AllowReconnection(true))
	caller := callrules.New(callrules.WithFrameworkID(store.GetIgnoreErrors(fid))).Caller(cl)
	ctx, cancel := context.WithCancel(context.Background())
	wants := mesos.Resources{resources.NewCPUs(0.1).Resource, resources.NewMemory(32).Resource}
	type job struct{ id, script string }
	jobs := []job{{"quick", "echo hello"}, {"fails", "exit 3"}, {"long", "sleep 1000"}, {"late", "true"}}
	ended := map[string]string{}
	agents := map[string]string{}
	launched := 0
	subs := 0
	say := func(f string, a ...interface{}) { fmt.Printf(f+"\n", a...); os.Stdout.Sync() }
	call := func(c *scheduler.Call) {
		if err := calls.CallNoData(ctx, caller, c); err != nil {
			say("CALL FAILED %v: %v", c.GetType(), err)
		} else {
			say("called %v", c.GetType())
		}
	}
	handler := controller.LiftErrors().Handle(events.Handlers{
		scheduler.Event_SUBSCRIBED: eventrules.New(controller.TrackSubscription(fid, time.Minute)).HandleF(func(_ context.Context, e *scheduler.Event) error {
			subs++
			say("subscribed %s heartbeat %v master %v", e.GetSubscribed().GetFrameworkID().Value, e.GetSubscribed().GetHeartbeatIntervalSeconds(), e.GetSubscribed().GetMasterInfo().GetAddress().GetPort())
			if subs > 1 {
				call(calls.Reconcile(calls.ReconcileTasks(agents)))
				call(calls.Revive())
			}
			return nil
		}),
		scheduler.Event_OFFERS: eventrules.New().HandleF(func(_ context.Context, e *scheduler.Event) error {
			for _, off := range e.GetOffers().GetOffers() {
				say("offer %s %v", off.ID.Value, mesos.Resources(off.Resources))
				var tasks []mesos.TaskInfo
				rest := mesos.Resources(off.Resources)
				for launched < len(jobs) && (jobs[launched].id != "late" || subs > 1) && resources.ContainsAll(rest, wants) {
					j := jobs[launched]
					t := mesos.TaskInfo{Name: j.id, TaskID: mesos.TaskID{Value: j.id}, AgentID: off.AgentID,
						Command: &mesos.CommandInfo{Value: proto.String(j.script), Shell: proto.Bool(true)}}
					if *image != "" {
						t.Container = &mesos.ContainerInfo{Type: mesos.ContainerInfo_MESOS.Enum(), Mesos: &mesos.ContainerInfo_MesosInfo{Image: &mesos.Image{Type: mesos.Image_DOCKER.Enum(), Docker: &mesos.Image_Docker{Name: *image}}}}
					}
					t.Resources = resources.Find(wants, rest...)
					rest.Subtract(t.Resources...)
					tasks = append(tasks, t)
					agents[j.id] = off.AgentID.Value
					launched++
				}
				if len(tasks) == 0 {
					call(calls.Decline(off.ID).With(calls.RefuseSeconds(2 * time.Second)))
					continue
				}
				call(calls.Accept(calls.OfferOperations{calls.OpLaunch(tasks...)}.WithOffers(off.ID)).With(calls.RefuseSeconds(time.Second)))
			}
			return nil
		}),
		scheduler.Event_UPDATE: eventrules.New(controller.AckStatusUpdates(caller)).HandleF(func(_ context.Context, e *scheduler.Event) error {
			s := e.GetUpdate().GetStatus()
			say("update %s %v %v %q", s.TaskID.Value, s.GetState(), s.GetReason(), s.GetMessage())
			switch s.GetState() {
			case mesos.TASK_FINISHED, mesos.TASK_FAILED, mesos.TASK_KILLED, mesos.TASK_ERROR, mesos.TASK_LOST:
				ended[s.TaskID.Value] = s.GetState().String()
				delete(agents, s.TaskID.Value)
			}
			if ended["late"] != "" && ended["long"] == "" && s.TaskID.Value == "late" {
				call(calls.Kill("long", s.GetAgentID().GetValue()))
			}
			if len(ended) == len(jobs) {
				call(calls.Suppress())
				call(&scheduler.Call{Type: scheduler.Call_TEARDOWN})
				say("done %v", ended)
				cancel()
			}
			return nil
		}),
	}.Otherwise(func(_ context.Context, e *scheduler.Event) error { say("event %v", e.GetType()); return nil }))
	done := make(chan struct{})
	defer close(done)
	err := controller.Run(ctx, &mesos.FrameworkInfo{User: "root", Name: "mesos-go", FailoverTimeout: proto.Float64(60)}, caller,
		controller.WithEventHandler(handler), controller.WithFrameworkID(store.GetIgnoreErrors(fid)),
		controller.WithRegistrationTokens(backoff.Notifier(200*time.Millisecond, time.Second, done)),
		controller.WithSubscriptionTerminated(func(err error) { say("stream ended %v", err) }))
	if err != nil && !strings.Contains(err.Error(), "canceled") {
		log.Fatal(err)
	}
}

func operator(addr string) {
	for name, codec := range codecs.ByMediaType {
		send := httpmaster.NewSender(httpcli.New(httpcli.Endpoint("http://"+addr+"/api/v1"), httpcli.Codec(codec)).Send)
		for _, call := range []*master.Call{mastercalls.GetHealth(), mastercalls.GetVersion(), mastercalls.GetMaster(), mastercalls.GetState(), mastercalls.GetAgents(), mastercalls.GetFrameworks(), mastercalls.GetTasks(), mastercalls.GetExecutors(), mastercalls.GetRoles(), mastercalls.GetFlags(), mastercalls.GetWeights(), mastercalls.GetMetrics(nil), mastercalls.GetQuota(), mastercalls.GetMaintenanceStatus(), mastercalls.GetLoggingLevel(), mastercalls.ListFiles("/")} {
			res, err := send.Send(context.Background(), mastercalls.NonStreaming(call))
			var r master.Response
			if err == nil {
				err = res.Decode(&r)
				res.Close()
			}
			text := fmt.Sprint(r)
			if len(text) > 100 {
				text = text[:100]
			}
			fmt.Printf("operator %v %v err=%v %s\n", name, call.GetType(), err, text)
		}
	}
}
