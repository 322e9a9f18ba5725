package dev.berth.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumDescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.Descriptors.FileDescriptor;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Our definitions against the classes that Mesos itself ships, loaded on a class path of their own: every message, field, number, type, label, default and enum value. */
class WitnessTest {
    private static final Path WITNESS = Path.of("target/witness");

    static Stream<Map.Entry<String, FileDescriptor>> files() {
        return Map.of(
                "org.apache.mesos.v1.Protos",
                dev.berth.protocol.v1.Protos.getDescriptor(),
                "org.apache.mesos.v1.scheduler.Protos",
                dev.berth.protocol.v1.scheduler.Protos.getDescriptor(),
                "org.apache.mesos.v1.executor.Protos",
                dev.berth.protocol.v1.executor.Protos.getDescriptor(),
                "org.apache.mesos.v1.master.Protos",
                dev.berth.protocol.v1.master.Protos.getDescriptor(),
                "org.apache.mesos.v1.agent.Protos",
                dev.berth.protocol.v1.agent.Protos.getDescriptor(),
                "org.apache.mesos.v1.quota.Protos",
                dev.berth.protocol.v1.quota.Protos.getDescriptor(),
                "org.apache.mesos.v1.maintenance.Protos",
                dev.berth.protocol.v1.maintenance.Protos.getDescriptor(),
                "org.apache.mesos.v1.allocator.Protos",
                dev.berth.protocol.v1.allocator.Protos.getDescriptor(),
                "org.apache.mesos.v1.resource_provider.Protos",
                dev.berth.protocol.v1.resource_provider.Protos.getDescriptor())
                .entrySet()
                .stream();
    }

    @ParameterizedTest
    @MethodSource("files")
    void everyFieldIsWhereMesosHasIt(Map.Entry<String, FileDescriptor> file) throws Exception {
        SortedMap<String, String> theirs = facts(witness(file.getKey()));
        SortedMap<String, String> ours = facts(file.getValue().toProto());
        assertThat(theirs).isNotEmpty();
        // What was added to Mesos after the witness's release may be ours alone; nothing of the
        // witness may be missing or differ.
        assertThat(
                        theirs.entrySet().stream()
                                .filter(fact -> !fact.getValue().equals(ours.get(fact.getKey())))
                                .map(fact -> fact + ", but ours: " + ours.get(fact.getKey())))
                .isEmpty();
    }

    private static FileDescriptorProto witness(String outerClass) throws Exception {
        URL[] path = {
            WITNESS.resolve("mesos-1.11.0.jar").toUri().toURL(),
            WITNESS.resolve("protobuf-java-3.5.0.jar").toUri().toURL()
        };
        try (URLClassLoader loader =
                new URLClassLoader(path, ClassLoader.getPlatformClassLoader())) {
            Object descriptor =
                    loader.loadClass(outerClass).getMethod("getDescriptor").invoke(null);
            Object proto = descriptor.getClass().getMethod("toProto").invoke(descriptor);
            byte[] bytes = (byte[]) proto.getClass().getMethod("toByteArray").invoke(proto);
            return FileDescriptorProto.parseFrom(bytes);
        }
    }

    private static SortedMap<String, String> facts(FileDescriptorProto file) {
        SortedMap<String, String> facts = new TreeMap<>();
        enums(facts, "", file.getEnumTypeList());
        file.getMessageTypeList().forEach(message -> message(facts, "", message));
        return facts;
    }

    private static void message(
            SortedMap<String, String> facts, String outer, DescriptorProto message) {
        String name = outer + message.getName();
        facts.put(name, "message");
        for (FieldDescriptorProto field : message.getFieldList()) {
            facts.put(
                    name + "." + field.getName(),
                    field.getNumber()
                            + " "
                            + field.getLabel()
                            + " "
                            + field.getType()
                            + " "
                            + field.getTypeName()
                            + " default "
                            + field.getDefaultValue()
                            + (field.getOptions().getDeprecated() ? " deprecated" : "")
                            + (field.hasOneofIndex()
                                    ? " of " + message.getOneofDecl(field.getOneofIndex()).getName()
                                    : ""));
        }
        enums(facts, name + ".", message.getEnumTypeList());
        message.getNestedTypeList().forEach(nested -> message(facts, name + ".", nested));
    }

    private static void enums(
            SortedMap<String, String> facts, String outer, List<EnumDescriptorProto> enums) {
        enums.forEach(e ->
                e.getValueList()
                        .forEach(value ->
                                facts.put(
                                        outer + e.getName() + "." + value.getName(),
                                        String.valueOf(value.getNumber()))));
    }
}
