package dev.berth.tests.arch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchRule;

import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Stream;

/** Every rule holds for the product, and every rule catches the example that breaks it. */
class HouseRulesTest {
    private static final Map<String, Class<?>[]> BROKEN =
            Map.ofEntries(
                    broken(
                            "linux imports nothing of ours",
                            dev.berth.linux.broken.KnowsContainers.class),
                    broken(
                            "shim imports nothing of ours",
                            dev.berth.shim.broken.KnowsContainers.class),
                    broken(
                            "the isolators' words import linux only",
                            dev.berth.isolator.BrokenWords.class),
                    broken(
                            "isolators do not know the containerizer",
                            dev.berth.isolator.broken.KnowsContainerizer.class),
                    broken(
                            "the containerizer does not know the isolators",
                            dev.berth.containerizer.broken.KnowsIsolator.class),
                    broken("nvml imports nothing of ours", dev.berth.nvml.broken.KnowsLinux.class),
                    broken(
                            "the protocol imports nothing of ours",
                            dev.berth.protocol.broken.KnowsAgent.class),
                    broken(
                            "discovery imports the protocol only",
                            dev.berth.discovery.broken.KnowsAgent.class),
                    broken(
                            "http imports the protocol only",
                            dev.berth.http.broken.KnowsAgent.class),
                    broken(
                            "gpu knows neither the containerizer nor the isolators",
                            dev.berth.gpu.broken.KnowsContainerizer.class),
                    broken(
                            "the simulator is seen through NVML only",
                            dev.berth.gpu.broken.KnowsSimulator.class),
                    broken(
                            "NVML is called in the worker only",
                            dev.berth.gpu.broken.CallsNvml.class),
                    broken(
                            "the agent does not know the master's server",
                            dev.berth.agent.broken.KnowsMaster.class),
                    broken(
                            "the allocator knows no messages",
                            dev.berth.master.allocator.broken.KnowsMessages.class),
                    broken(
                            "resources know no messages",
                            dev.berth.master.resources.broken.KnowsMessages.class),
                    broken(
                            "the registry knows no messages",
                            dev.berth.master.registry.broken.KnowsMessages.class),
                    broken(
                            "the foreign linker stays in native-bindings",
                            dev.berth.containerizer.broken.CallsForeign.class),
                    broken(
                            "processes start through HelperProcess only",
                            dev.berth.containerizer.broken.Forks.class),
                    broken(
                            "the conductor's packages use no executors and no futures",
                            dev.berth.agent.BrokenConductor.class),
                    broken(
                            "the conductor's packages do not lock",
                            dev.berth.agent.BrokenConductor.class),
                    broken("names say what a type is", dev.berth.agent.broken.ThingManager.class),
                    broken(
                            "packages form no cycle",
                            dev.berth.agent.broken.Here.class,
                            dev.berth.agent.broken.there.There.class));

    private static Map.Entry<String, Class<?>[]> broken(String rule, Class<?>... classes) {
        return Map.entry(rule, classes);
    }

    @TestFactory
    Stream<DynamicTest> everyRuleHolds() {
        JavaClasses product =
                new ClassFileImporter()
                        .withImportOption(location ->
                                !location.contains("test-classes")
                                        && !location.contains("-tests.jar"))
                        .importPackages("dev.berth");
        assertThat(product.size()).as("imported classes").isGreaterThan(50);
        return HouseRules.all().entrySet().stream()
                .map(rule ->
                        DynamicTest.dynamicTest(
                                rule.getKey(), () -> rule.getValue().check(product)));
    }

    @TestFactory
    Stream<DynamicTest> everyRuleCatchesItsBrokenExample() {
        return HouseRules.all().entrySet().stream()
                .map(rule ->
                        DynamicTest.dynamicTest(
                                rule.getKey(),
                                () -> catches(rule.getValue(), BROKEN.get(rule.getKey()))));
    }

    @Test
    void everyRuleHasABrokenExample() {
        assertThat(new TreeSet<>(BROKEN.keySet()))
                .isEqualTo(new TreeSet<>(HouseRules.all().keySet()));
    }

    private static void catches(ArchRule rule, Class<?>... examples) {
        JavaClasses broken = new ClassFileImporter().importClasses(examples);
        assertThatThrownBy(() -> rule.check(broken)).isInstanceOf(AssertionError.class);
    }
}
