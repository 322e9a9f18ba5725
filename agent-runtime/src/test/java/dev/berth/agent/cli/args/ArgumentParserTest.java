package dev.berth.agent.cli.args;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.util.List;

class ArgumentParserTest {
    private static final VerbSpec RUN =
            VerbSpec.of(
                            VerbSpec.Group.CONTAINERS,
                            "run IMAGE [ARG...]",
                            "Run",
                            1,
                            VerbSpec.ANY,
                            List.of(
                                    Flag.toggle("detach", "").letter('d'),
                                    Flag.toggle("interactive", "").letter('i'),
                                    Flag.toggle("tty", "").letter('t'),
                                    Flag.toggle("rm", ""),
                                    Flag.value("name", "NAME", ""),
                                    Flag.value("network", "NET", "").also("net"),
                                    Flag.list("env", "NAME=VALUE", "").letter('e'),
                                    Flag.refused("publish", "not here").letter('p')))
                    .endingFlagsAtOperand();
    private static final VerbSpec RM =
            VerbSpec.of(
                    VerbSpec.Group.CONTAINERS,
                    "rm CONTAINER...",
                    "Remove",
                    1,
                    2,
                    List.of(Flag.toggle("force", "").letter('f')));

    private static Arguments parse(VerbSpec spec, String... words) throws UsageException {
        return ArgumentParser.parse(spec, List.of(words));
    }

    @Test
    void shortFlagsBundleAndTheLastMayTakeAValue() throws UsageException {
        Arguments arguments = parse(RUN, "-dite", "A=1", "image");
        assertThat(arguments.has("detach")).isTrue();
        assertThat(arguments.has("interactive")).isTrue();
        assertThat(arguments.has("tty")).isTrue();
        assertThat(arguments.values("env")).containsExactly("A=1");
        assertThat(arguments.operands()).containsExactly("image");
    }

    @Test
    void aShortFlagTakesWhatIsAttachedToIt() throws UsageException {
        assertThat(parse(RUN, "-eA=1", "-e=B=2", "x").values("env")).containsExactly("A=1", "B=2");
        assertThat(parse(RUN, "-t=false", "x").has("tty")).isFalse();
    }

    @Test
    void longFlagsTakeValuesBothWays() throws UsageException {
        assertThat(parse(RUN, "--name=a=b", "x").value("name")).contains("a=b");
        assertThat(parse(RUN, "--name", "-odd", "x").value("name")).contains("-odd");
        assertThat(parse(RUN, "--name", "a", "--name", "b", "x").value("name")).contains("b");
        assertThat(parse(RUN, "--net", "host", "x").value("network")).contains("host");
    }

    @Test
    void togglesTakeTruthOnlyAttached() throws UsageException {
        assertThat(parse(RUN, "--rm=false", "x").has("rm")).isFalse();
        assertThat(parse(RUN, "--rm=1", "x").has("rm")).isTrue();
        assertThat(parse(RUN, "--rm", "false").operands()).containsExactly("false");
        assertThatThrownBy(() -> parse(RUN, "--rm=maybe", "x")).hasMessageContaining("maybe");
    }

    @Test
    void flagsAfterTheImageBelongToTheCommand() throws UsageException {
        Arguments arguments = parse(RUN, "--rm", "image", "ls", "--all", "-d", "--");
        assertThat(arguments.operands()).containsExactly("image", "ls", "--all", "-d", "--");
        assertThat(arguments.has("detach")).isFalse();
    }

    @Test
    void otherVerbsTakeFlagsAnywhereUpToTheDoubleDash() throws UsageException {
        assertThat(parse(RM, "a", "-f").has("force")).isTrue();
        Arguments arguments = parse(RM, "a", "--", "-f");
        assertThat(arguments.has("force")).isFalse();
        assertThat(arguments.operands()).containsExactly("a", "-f");
    }

    @Test
    void aSingleDashIsAnOperand() throws UsageException {
        assertThat(parse(RM, "-").operands()).containsExactly("-");
    }

    @Test
    void anUnknownFlagIsNamedWithTheNearest() {
        assertThatThrownBy(() -> parse(RUN, "--detatch", "x"))
                .hasMessage("unknown flag --detatch; did you mean --detach?");
        assertThatThrownBy(() -> parse(RUN, "--zzz", "x")).hasMessage("unknown flag --zzz");
        assertThatThrownBy(() -> parse(RUN, "-dz", "x")).hasMessage("unknown flag -z in -dz");
    }

    @Test
    void aRefusedFlagSaysWhy() {
        assertThatThrownBy(() -> parse(RUN, "-p", "80:80", "x")).hasMessage("--publish: not here");
    }

    @Test
    void missingValuesAndOperandsAreNamed() {
        assertThatThrownBy(() -> parse(RUN, "--name")).hasMessageContaining("--name needs a value");
        assertThatThrownBy(() -> parse(RUN)).hasMessage("missing IMAGE [ARG...]");
        assertThatThrownBy(() -> parse(RM, "a", "b", "c")).hasMessageContaining("'c'");
    }

    @Test
    void helpNeedsNoOperands() throws UsageException {
        assertThat(parse(RUN, "--help").has("help")).isTrue();
    }

    @Test
    void numbersAreCheckedAgainstTheirLeast() throws UsageException {
        VerbSpec spec =
                VerbSpec.of(
                        VerbSpec.Group.AGENT, "x", "", 0, 0, List.of(Flag.value("time", "N", "")));
        assertThat(parse(spec, "--time", "-1").number("time", 5, -1)).isEqualTo(-1);
        assertThat(parse(spec).number("time", 5, -1)).isEqualTo(5);
        assertThatThrownBy(() -> parse(spec, "--time", "-2").number("time", 5, -1))
                .hasMessageContaining("-2");
        assertThatThrownBy(() -> parse(spec, "--time", "soon").number("time", 5, -1))
                .hasMessageContaining("soon");
    }

    @Test
    void theNearestWordIsATypingErrorAway() {
        assertThat(Nearest.of("rnu", List.of("rm", "run", "ps"))).contains("run");
        assertThat(Nearest.of("insp", List.of("images", "inspect"))).contains("inspect");
        assertThat(Nearest.of("frobnicate", List.of("run", "ps"))).isEmpty();
        assertThat(Nearest.distance("ab", "ba")).isEqualTo(1);
        assertThat(Nearest.distance("", "abc")).isEqualTo(3);
    }

    @Test
    void helpListsFlagsAndExamplesButNotWhatIsRefused() {
        String help = HelpPage.verb(RUN.examples("A shell", "berth run -it debian"));
        assertThat(help)
                .startsWith("Usage: berth run [FLAGS] IMAGE [ARG...]\n")
                .contains("  # A shell\n  berth run -it debian\n")
                .contains("-e, --env NAME=VALUE")
                .contains("-H, --host unix://PATH")
                .doesNotContain("publish");
    }
}
