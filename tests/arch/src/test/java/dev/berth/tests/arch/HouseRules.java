package dev.berth.tests.arch;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noMethods;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.lang.ArchRule;

import java.util.LinkedHashMap;
import java.util.Map;

/** The rules, by name. Where they come from: README.md, "How the house is built". */
final class HouseRules {
    private static final String LINUX = "dev.berth.linux..";
    private static final String SHIM = "dev.berth.shim..";
    private static final String ISOLATOR_WORDS = "dev.berth.isolator";
    private static final String ISOLATORS = "dev.berth.isolator.*..";
    private static final String CONTAINERIZER = "dev.berth.containerizer..";
    private static final String GPU = "dev.berth.gpu..";
    private static final String PROTOCOL = "dev.berth.protocol..";
    private static final String DISCOVERY = "dev.berth.discovery..";
    private static final String HTTP = "dev.berth.http..";
    private static final String NVML = "dev.berth.nvml..";
    private static final String SIMULATOR = "dev.berth.gpu.simulator..";
    private static final String AGENT = "dev.berth.agent..";
    private static final String MASTER = "dev.berth.master..";

    /** What calls NVML, and with its main all that runs in the worker's process only. */
    private static final String NVML_CALLERS =
            "dev\\.berth\\.gpu\\.nvml\\.(QueryLoop|EventWatch|DeviceReader|DeviceSearch)(\\$.*)?";

    private static final String NVML_WORKER =
            NVML_CALLERS + "|dev\\.berth\\.gpu\\.nvml\\.WorkerMain";

    private HouseRules() {}

    static Map<String, ArchRule> all() {
        Map<String, ArchRule> rules = new LinkedHashMap<>();
        rules.put(
                "linux imports nothing of ours",
                wall(LINUX, SHIM, ISOLATOR_WORDS, ISOLATORS, CONTAINERIZER, GPU, AGENT, MASTER));
        rules.put(
                "shim imports nothing of ours",
                wall(SHIM, LINUX, ISOLATOR_WORDS, ISOLATORS, CONTAINERIZER, GPU, AGENT, MASTER));
        rules.put(
                "the isolators' words import linux only",
                wall(ISOLATOR_WORDS, SHIM, ISOLATORS, CONTAINERIZER, GPU, AGENT, MASTER));
        rules.put(
                "isolators do not know the containerizer",
                wall(ISOLATORS, SHIM, CONTAINERIZER, GPU, AGENT, MASTER));
        rules.put(
                "the containerizer does not know the isolators",
                wall(CONTAINERIZER, ISOLATORS, GPU, AGENT, MASTER));
        rules.put(
                "nvml imports nothing of ours",
                wall(
                        NVML,
                        LINUX,
                        SHIM,
                        ISOLATOR_WORDS,
                        ISOLATORS,
                        CONTAINERIZER,
                        GPU,
                        AGENT,
                        MASTER));
        rules.put(
                "the protocol imports nothing of ours",
                wall(
                        PROTOCOL,
                        LINUX,
                        SHIM,
                        ISOLATOR_WORDS,
                        ISOLATORS,
                        CONTAINERIZER,
                        GPU,
                        NVML,
                        AGENT,
                        MASTER));
        rules.put(
                "discovery imports the protocol only",
                wall(
                        DISCOVERY,
                        HTTP,
                        LINUX,
                        SHIM,
                        ISOLATOR_WORDS,
                        ISOLATORS,
                        CONTAINERIZER,
                        GPU,
                        NVML,
                        AGENT,
                        MASTER));
        rules.put(
                "http imports the protocol only",
                wall(
                        HTTP,
                        LINUX,
                        SHIM,
                        ISOLATOR_WORDS,
                        ISOLATORS,
                        CONTAINERIZER,
                        GPU,
                        NVML,
                        DISCOVERY,
                        AGENT,
                        MASTER));
        rules.put(
                "gpu knows neither the containerizer nor the isolators",
                wall(GPU, SHIM, ISOLATORS, CONTAINERIZER, AGENT, MASTER));
        rules.put(
                "the simulator is seen through NVML only",
                noClasses()
                        .that()
                        .resideInAPackage(GPU)
                        .and()
                        .resideOutsideOfPackage(SIMULATOR)
                        .should()
                        .dependOnClassesThat()
                        .resideInAPackage(SIMULATOR)
                        .allowEmptyShould(true));
        rules.put(
                "NVML is called in the worker only",
                noClasses()
                        .that()
                        .resideOutsideOfPackage(NVML)
                        .and()
                        .haveNameNotMatching(NVML_WORKER)
                        .should()
                        .dependOnClassesThat()
                        .haveNameMatching(
                                "dev\\.berth\\.nvml\\.Nvml(Library|Device|EventSet)(\\$.*)?")
                        .orShould()
                        .dependOnClassesThat()
                        .haveNameMatching(NVML_CALLERS));
        rules.put("the agent does not know the master's server", wall(AGENT, MASTER));
        // ADR 0004.
        rules.put(
                "the allocator knows no messages", wall("dev.berth.master.allocator..", PROTOCOL));
        rules.put("resources know no messages", wall("dev.berth.master.resources..", PROTOCOL));
        rules.put("the registry knows no messages", wall("dev.berth.master.registry..", PROTOCOL));
        rules.put(
                "the foreign linker stays in native-bindings",
                noClasses()
                        .that()
                        .resideOutsideOfPackages("dev.berth.linux..", "dev.berth.nvml..")
                        .should()
                        .dependOnClassesThat()
                        .haveFullyQualifiedName("java.lang.foreign.Linker")
                        .orShould()
                        .dependOnClassesThat()
                        .haveFullyQualifiedName("java.lang.foreign.SymbolLookup")
                        .orShould()
                        .dependOnClassesThat()
                        .resideInAPackage("com.sun.jna.."));
        rules.put(
                "processes start through HelperProcess only",
                noClasses()
                        .should()
                        .dependOnClassesThat()
                        .haveFullyQualifiedName("java.lang.ProcessBuilder")
                        .orShould()
                        .callMethod(Runtime.class, "exec", String.class)
                        .orShould()
                        .callMethod(Runtime.class, "exec", String[].class));
        rules.put(
                "the conductor's packages use no executors and no futures",
                noClasses()
                        .that()
                        .resideInAnyPackage(
                                "dev.berth.agent",
                                "dev.berth.agent.conductor",
                                "dev.berth.agent.device",
                                "dev.berth.agent.master",
                                "dev.berth.agent.tasks",
                                "dev.berth.containerizer",
                                "dev.berth.containerizer.launch")
                        .should()
                        .dependOnClassesThat()
                        .haveNameMatching(
                                "java\\.util\\.concurrent\\.(CompletableFuture|Executor|Executors|ExecutorService|Future|ForkJoinPool)"));
        rules.put(
                "the conductor's packages do not lock",
                noMethods()
                        .that()
                        .areDeclaredInClassesThat()
                        .resideInAnyPackage(
                                "dev.berth.agent",
                                "dev.berth.agent.conductor",
                                "dev.berth.agent.device",
                                "dev.berth.agent.master",
                                "dev.berth.agent.tasks",
                                "dev.berth.containerizer",
                                "dev.berth.containerizer.launch")
                        .should()
                        .haveModifier(JavaModifier.SYNCHRONIZED));
        // A credential helper is Docker's own word for a program that keeps passwords.
        rules.put(
                "names say what a type is",
                noClasses()
                        .should()
                        .haveNameMatching(
                                "dev\\.berth\\..*(?<!Credential)(Impl|Manager|Utils?|Helpers?|Common|Base)"));
        rules.put(
                "packages form no cycle",
                slices().matching("dev.berth.(**)").should().beFreeOfCycles());
        return rules;
    }

    private static ArchRule wall(String who, String... forbidden) {
        return noClasses()
                .that()
                .resideInAPackage(who)
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(forbidden)
                .allowEmptyShould(true);
    }
}
