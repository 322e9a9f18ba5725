package dev.berth.agent.docker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.agent.config.AgentException;

import org.junit.jupiter.api.Test;

class DetachKeysTest {
    @Test
    void theDefaultIsControlPControlQ() throws AgentException {
        DetachKeys keys = DetachKeys.parse("");
        DetachKeys.Scan scan = keys.scan(new byte[] {'a', 16, 17, 'b'});
        assertThat(scan.detached()).isTrue();
        assertThat(scan.bytes()).containsExactly('a');
    }

    @Test
    void anInterruptedSequenceGoesToTheProcess() throws AgentException {
        DetachKeys keys = DetachKeys.parse("ctrl-p,ctrl-q");
        assertThat(keys.scan(new byte[] {'x', 16}).bytes()).containsExactly('x');
        assertThat(keys.scan(new byte[] {'y'}).bytes()).containsExactly(16, 'y');
        assertThat(keys.scan(new byte[] {16}).bytes()).isEmpty();
        assertThat(keys.scan(new byte[] {16}).bytes()).containsExactly(16);
        assertThat(keys.scan(new byte[] {17}).detached()).isTrue();
    }

    @Test
    void otherKeysCanBeChosen() throws AgentException {
        assertThat(DetachKeys.parse("a,ctrl-@").scan(new byte[] {'a', 0}).detached()).isTrue();
        assertThat(DetachKeys.parse("ctrl-]").scan(new byte[] {29}).detached()).isTrue();
        for (String wrong : new String[] {"ctrl-", "ctrl-1", "alt-x", "a,,b"}) {
            assertThatThrownBy(() -> DetachKeys.parse(wrong))
                    .as(wrong)
                    .isInstanceOf(AgentException.class);
        }
    }
}
