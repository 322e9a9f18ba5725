package dev.berth.master;

import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** {@code berth master}. */
public final class MasterMain {
    private static final PrintStream OUT = System.out;
    private static final PrintStream ERR = System.err;

    /** What cannot be closed within this after a signal, the kernel closes: a ZooKeeper that does not answer must not hold a master that is to end. */
    private static final long END_WITHIN_MS = 700;

    private MasterMain() {}

    /** Runs a master until a signal ends it. A first word {@code master} is passed over: so the start scripts hand it on. */
    public static void main(String[] words) {
        List<String> arguments = List.of(words);
        int code =
                run(
                        !arguments.isEmpty() && arguments.getFirst().equals("master")
                                ? arguments.subList(1, arguments.size())
                                : arguments);
        Runtime.getRuntime().halt(code);
    }

    private static void end(MasterProcess master) {
        Thread closing = Thread.ofPlatform().daemon().name("berth-close").start(master::close);
        try {
            if (!closing.join(Duration.ofMillis(END_WITHIN_MS))) {
                MasterLog.warn("not all is closed after " + END_WITHIN_MS + " ms: ending now");
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /** Returns the exit code: 0 after an ordinary end, 2 for wrong options, 1 when it could not start. */
    static int run(List<String> words) {
        if (words.contains("--help") || words.contains("-h")) {
            OUT.print(MasterArguments.HELP);
            OUT.flush();
            return 0;
        }
        MasterArguments arguments;
        try {
            arguments = MasterArguments.parse(words);
        } catch (MasterArguments.WrongException e) {
            ERR.println("berth master: " + e.getMessage());
            return 2;
        }
        try {
            MasterProcess master = MasterProcess.open(arguments);
            CountDownLatch ended = new CountDownLatch(1);
            Runtime.getRuntime()
                    .addShutdownHook(
                            Thread.ofPlatform()
                                    .name("berth-end")
                                    .unstarted(() -> {
                                        MasterLog.info("ending; agents keep their tasks running");
                                        end(master);
                                        ended.countDown();
                                        Runtime.getRuntime().halt(0);
                                    }));
            MasterLog.info(
                    "master listens on http://"
                            + master.address()
                            + (arguments.anonymous()
                                    ? ", without a token"
                                    : ", token in " + arguments.tokenFile())
                            + arguments.zooKeeper().map(url -> ", elected in " + url).orElse(""));
            if (!master.awaitEnd()) {
                ERR.println("berth master: its conductor has died: ending");
                return 1;
            }
            ended.await();
            return 0;
        } catch (IOException e) {
            ERR.println("berth master: " + e.getMessage());
            return 1;
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return 1;
        }
    }
}
