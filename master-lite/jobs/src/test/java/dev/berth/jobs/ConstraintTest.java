package dev.berth.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.protocol.v1.Protos.Attribute;
import dev.berth.protocol.v1.Protos.Offer;
import dev.berth.protocol.v1.Protos.Value;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConstraintTest {
    private static Offer offer() {
        Offer.Builder offer = Offer.newBuilder().setHostname("h1");
        offer.addAttributesBuilder()
                .setName("zone")
                .setType(Value.Type.TEXT)
                .getTextBuilder()
                .setValue("a");
        offer.addAttributesBuilder()
                .setName("zone")
                .setType(Value.Type.TEXT)
                .getTextBuilder()
                .setValue("b");
        offer.addAttributesBuilder()
                .setName("rack")
                .setType(Value.Type.SCALAR)
                .getScalarBuilder()
                .setValue(7);
        Attribute.Builder ports =
                offer.addAttributesBuilder().setName("slots").setType(Value.Type.RANGES);
        ports.getRangesBuilder().addRangeBuilder().setBegin(3).setEnd(5);
        return offer.buildPartial();
    }

    @ParameterizedTest
    @CsvSource({
        "zone, true",
        "zone=a, true",
        "zone==b, true",
        "zone=c, false",
        "zone!=a, false",
        "zone!=c, true",
        "nothing, false",
        "nothing!=x, true",
        "rack=7.0, true",
        "rack=seven, false",
        "slots=4, true",
        "slots=6, false",
        "hostname=h1, true",
        "hostname!=h1, false"
    })
    void anAgentIsOrIsNotAsWanted(String constraint, boolean is) {
        assertThat(Constraint.parse(constraint).admits(offer())).isEqualTo(is);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "=a", "!=a", "a!"})
    void whatIsNoneIsRefused(String text) {
        assertThatThrownBy(() -> Constraint.parse(text)).hasMessageContaining("NAME!=VALUE");
    }
}
