import akka.actor.ActorRef;
import akka.actor.ActorSystem;
import akka.pattern.Patterns;

import com.adobe.api.platform.runtime.mesos.CommandDef;
import com.adobe.api.platform.runtime.mesos.DeleteTask;
import com.adobe.api.platform.runtime.mesos.Host$;
import com.adobe.api.platform.runtime.mesos.LocalTaskStore;
import com.adobe.api.platform.runtime.mesos.MesosClient$;
import com.adobe.api.platform.runtime.mesos.SubmitTask;
import com.adobe.api.platform.runtime.mesos.Subscribe$;
import com.adobe.api.platform.runtime.mesos.TaskDef;
import com.adobe.api.platform.runtime.mesos.Teardown$;

import scala.Option;
import scala.collection.JavaConverters;
import scala.concurrent.Await;
import scala.concurrent.duration.Duration;
import scala.concurrent.duration.FiniteDuration;
import scala.runtime.AbstractFunction0;

import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

/**
 * A framework on mesos-actor 0.0.17 (Akka; what OpenWhisk runs its containers with): protobuf, DOCKER containers on the host's network. See README.md.
 *
 * <p>Arguments: the master's URI, an image that the agent has and that runs on, and for how many seconds to wait between the first tasks and the last: restart the master meanwhile.
 */
public final class ActorFramework {
    private static ActorRef client;

    private ActorFramework() {}

    private static FiniteDuration seconds(long count) {
        return Duration.create(count, TimeUnit.SECONDS);
    }

    private static void ask(Object message) throws Exception {
        long patience = 60;
        Object answer = Await.result(Patterns.ask(client, message, patience * 1000), seconds(patience));
        System.out.println("answer " + String.valueOf(answer).replace("\n", " "));
    }

    private static SubmitTask task(String id, String image) {
        CommandDef command =
                new CommandDef(CommandDef.apply$default$1(), CommandDef.apply$default$2());
        return new SubmitTask(
                new TaskDef(
                        id,
                        id,
                        image,
                        0.1,
                        32,
                        JavaConverters.asScalaBuffer(List.<Object>of()),
                        Option.empty(),
                        false,
                        Host$.MODULE$,
                        TaskDef.apply$default$10(),
                        Option.apply(command),
                        TaskDef.apply$default$12()));
    }

    public static void main(String[] args) throws Exception {
        ActorSystem system = ActorSystem.create("witness");
        String id = "actor-" + UUID.randomUUID();
        MesosClient$ clients = MesosClient$.MODULE$;
        client =
                system.actorOf(
                        clients.props(
                                new AbstractFunction0<String>() {
                                    @Override
                                    public String apply() {
                                        return id;
                                    }
                                },
                                "witness-actor",
                                args[0],
                                "*",
                                seconds(30),
                                clients.props$default$6(),
                                clients.props$default$7(),
                                clients.props$default$8(),
                                new LocalTaskStore(),
                                clients.props$default$10(),
                                clients.props$default$11()));
        ask(Subscribe$.MODULE$);
        ask(task("one", args[1]));
        ask(task("two", args[1]));
        ask(new DeleteTask("one"));
        TimeUnit.SECONDS.sleep(Integer.parseInt(args[2]));
        ask(task("three", args[1]));
        ask(new DeleteTask("two"));
        ask(new DeleteTask("three"));
        ask(Teardown$.MODULE$);
        System.out.println("done");
        Await.result(system.terminate(), seconds(10));
    }
}
