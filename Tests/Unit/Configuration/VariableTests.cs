using NatsAspire.Server.Configuration;
using NatsAspire.Tests.Support;
using static NatsAspire.Tests.Unit.Configuration.SampleConfigurations;

namespace NatsAspire.Tests.Unit.Configuration;

public class VariableTests
{
    [Fact]
    [Upstream("opts_test.go", "TestVarReferencesVar")]
    public void Variable_may_refer_to_a_variable() => Load("A: 7890\nB: $A\nC: $B\nport: $C").Port.ShouldBe(7890);

    [Fact]
    [Upstream("opts_test.go", "TestVarReferencesEnvVar")]
    [Upstream("opts_test.go", "TestEnvVarReferencesEnvVar")]
    public void Variable_may_refer_to_the_environment_which_may_refer_to_itself()
    {
        Environment.SetEnvironmentVariable("_NATS_ASPIRE_V_A_", "$_NATS_ASPIRE_V_B_");
        Environment.SetEnvironmentVariable("_NATS_ASPIRE_V_B_", "$_NATS_ASPIRE_V_C_");
        Environment.SetEnvironmentVariable("_NATS_ASPIRE_V_C_", "7890");
        Load("A: $_NATS_ASPIRE_V_C_\nB: $A\nC: $B\nport: $C").Port.ShouldBe(7890);
        Load("port: $_NATS_ASPIRE_V_A_").Port.ShouldBe(7890);
    }

    [Fact]
    [Upstream("opts_test.go", "TestVarReferencesSelf")]
    [Upstream("opts_test.go", "TestEnvVarReferencesVar")]
    public void Variable_is_looked_for_where_it_stands()
    {
        Message("A: $A").ShouldBe("variable reference for 'A' on line 1 can not be found");
        Environment.SetEnvironmentVariable("_NATS_ASPIRE_V_P_", "$P");
        Message("P: 8080\nport: $_NATS_ASPIRE_V_P_").ShouldContain("variable reference for 'P' on line 1 can not be found");
    }

    [Fact]
    [Upstream("opts_test.go", "TestEnvVarReferencesSelf")]
    [Upstream("opts_test.go", "TestEnvVarReferencesSelfCycle")]
    public void Cycle_of_the_environment_is_found()
    {
        Environment.SetEnvironmentVariable("_NATS_ASPIRE_V_SELF_", "$_NATS_ASPIRE_V_SELF_");
        Message("TEST: $_NATS_ASPIRE_V_SELF_").ShouldContain("variable reference cycle for '_NATS_ASPIRE_V_SELF_'");
        Environment.SetEnvironmentVariable("_NATS_ASPIRE_V_X_", "$_NATS_ASPIRE_V_Y_");
        Environment.SetEnvironmentVariable("_NATS_ASPIRE_V_Y_", "$_NATS_ASPIRE_V_Z_");
        Environment.SetEnvironmentVariable("_NATS_ASPIRE_V_Z_", "$_NATS_ASPIRE_V_X_");
        Message("TEST: $_NATS_ASPIRE_V_X_").ShouldContain("variable reference cycle for '_NATS_ASPIRE_V_X_'");
    }

    [Fact]
    [Upstream("opts_test.go", "TestEnvVarInclude")]
    public void Environment_does_not_include_files()
    {
        Environment.SetEnvironmentVariable("_NATS_ASPIRE_V_INCLUDE_", "include x");
        Message("TEST: $_NATS_ASPIRE_V_INCLUDE_").ShouldContain("Expected a top-level value to end with a new line, comment or EOF");
    }

    [Fact]
    [Upstream("opts_test.go", "TestEnvVarFromIncludedFile")]
    public void Included_file_may_refer_to_the_environment()
    {
        Environment.SetEnvironmentVariable("_NATS_ASPIRE_V_PORT_A_", "$_NATS_ASPIRE_V_PORT_B_");
        Environment.SetEnvironmentVariable("_NATS_ASPIRE_V_PORT_B_", "7890");
        using var folder = new TemporaryFolder();
        folder.Write("port.conf", "\n\tTEST_PORT: $_NATS_ASPIRE_V_PORT_A_\n");
        ConfigLoader.Load(folder.Write("main.conf", "\n\tinclude \"./port.conf\"\n\tport: $TEST_PORT\n")).Options.Port.ShouldBe(7890);
    }

    private static string Message(string text) => Should.Throw<ConfigException>(() => Load(text)).Message;
}
