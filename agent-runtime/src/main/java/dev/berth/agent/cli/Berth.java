package dev.berth.agent.cli;

import dev.berth.agent.cli.args.ArgumentParser;
import dev.berth.agent.cli.args.Arguments;
import dev.berth.agent.cli.args.HelpPage;
import dev.berth.agent.cli.args.Nearest;
import dev.berth.agent.cli.args.UsageException;
import dev.berth.agent.cli.args.VerbSpec;
import dev.berth.agent.cli.session.Cli;
import dev.berth.agent.cli.session.CliException;
import dev.berth.agent.cli.session.Verb;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Main class of {@code berth}. */
public final class Berth {
    static final String VERSION = "0.1.0";

    private static final int UNKNOWN_VERB = 1;

    private Berth() {}

    /** Runs one verb and ends the JVM with its exit code. */
    public static void main(String[] words) {
        PrintStream out = stream(FileDescriptor.out);
        PrintStream err = stream(FileDescriptor.err);
        Cli cli = new Cli(new FileInputStream(FileDescriptor.in), out, err, System.getenv());
        int code = run(cli, List.of(words));
        out.flush();
        err.flush();
        // Not exit: that would start System.Logger to say so, 20 ms for nothing. Terminals are
        // restored by those who changed them.
        Runtime.getRuntime().halt(code);
    }

    private static PrintStream stream(FileDescriptor descriptor) {
        return new PrintStream(
                new BufferedOutputStream(new FileOutputStream(descriptor), 8192),
                false,
                StandardCharsets.UTF_8);
    }

    /** Runs one verb; failures become a line on standard error and an exit code. */
    static int run(Cli cli, List<String> words) {
        String shown = "berth";
        int failure = 1;
        try {
            int at = 0;
            while (at < words.size() && words.get(at).startsWith("-")) {
                at = globalFlag(cli, words, at);
                if (at < 0) {
                    return 0;
                }
            }
            if (at == words.size()) {
                overview(cli.err());
                return UNKNOWN_VERB;
            }
            String name = words.get(at);
            if (Verbs.FAMILIES.contains(name)) {
                if (at + 1 == words.size() || words.get(at + 1).startsWith("-")) {
                    return family(cli, name, words.subList(at + 1, words.size()));
                }
                name += " " + words.get(++at);
            }
            Optional<Verb> named = Verbs.named(name);
            if (named.isEmpty()) {
                return unknown(cli, name);
            }
            Verb verb = named.get();
            shown = "berth " + name;
            if (name.equals("agent")) {
                return AgentVerb.run(words.subList(at + 1, words.size()));
            }
            failure = verb.failureCode();
            Arguments arguments =
                    ArgumentParser.parse(verb.spec(), words.subList(at + 1, words.size()));
            if (arguments.has("help")) {
                cli.out().print(HelpPage.verb(verb.spec()));
                return 0;
            }
            if (arguments.given("host")) {
                cli.host(arguments.value("host"));
            }
            return verb.run(cli, arguments);
        } catch (UsageException e) {
            cli.out().flush();
            cli.err().println(shown + ": " + e.getMessage() + " (see '" + shown + " --help')");
            return Verb.FAILED_BEFORE_CONTAINER;
        } catch (CliException e) {
            cli.out().flush();
            cli.err().println("berth: " + e.getMessage());
            return e.exitCode();
        } catch (NoSuchFileException e) {
            cli.out().flush();
            cli.err().println("berth: no such file: " + e.getFile());
            return failure;
        } catch (IOException e) {
            cli.out().flush();
            cli.err().println("berth: " + e.getMessage());
            return failure;
        }
    }

    /** Handles one flag before the verb; the next index, or -1 when all is done. */
    private static int globalFlag(Cli cli, List<String> words, int at) throws UsageException {
        String word = words.get(at);
        if (word.equals("--help") || word.equals("-h")) {
            overview(cli.out());
            return -1;
        }
        if (word.equals("--version") || word.equals("-v")) {
            cli.out().println("Berth " + VERSION);
            return -1;
        }
        if (word.equals("-H") || word.equals("--host")) {
            if (at + 1 >= words.size()) {
                throw new UsageException(word + " needs a value: unix://PATH");
            }
            cli.host(Optional.of(words.get(at + 1)));
            return at + 2;
        }
        if (word.startsWith("--host=")) {
            cli.host(Optional.of(word.substring("--host=".length())));
            return at + 1;
        }
        if (word.startsWith("-H")) {
            cli.host(Optional.of(word.substring(word.startsWith("-H=") ? 3 : 2)));
            return at + 1;
        }
        Optional<String> nearest =
                Nearest.of(word.replaceFirst("^-+", ""), List.of("help", "host", "version"));
        throw new UsageException(
                "unknown flag "
                        + word
                        + (nearest.isPresent() ? "; did you mean --" + nearest.get() + "?" : ""));
    }

    private static void overview(PrintStream target) {
        List<VerbSpec> specs = new ArrayList<>();
        for (String name : Verbs.NAMES) {
            specs.add(Verbs.named(name).orElseThrow().spec());
        }
        target.print(HelpPage.overview(specs));
    }

    /** A family without a verb: its list, as an answer when it was asked for. */
    private static int family(Cli cli, String name, List<String> rest) {
        List<VerbSpec> members = new ArrayList<>();
        for (String verb : Verbs.NAMES) {
            if (verb.startsWith(name + " ")) {
                members.add(Verbs.named(verb).orElseThrow().spec());
            }
        }
        boolean asked = rest.contains("--help") || rest.contains("-h");
        (asked ? cli.out() : cli.err()).print(HelpPage.family(name, members));
        return asked ? 0 : UNKNOWN_VERB;
    }

    private static int unknown(Cli cli, String name) {
        Optional<String> nearest = Nearest.of(name, Verbs.NAMES);
        if (nearest.isEmpty()) {
            nearest = Nearest.of(name, Verbs.FAMILIES);
        }
        String hint = nearest.isPresent() ? "; did you mean '" + nearest.get() + "'?" : "";
        int space = name.indexOf(' ');
        String help = "berth " + (space < 0 ? "" : name.substring(0, space + 1)) + "--help";
        cli.err().println("berth: unknown verb '" + name + "'" + hint + " (see '" + help + "')");
        return UNKNOWN_VERB;
    }
}
