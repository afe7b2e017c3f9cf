using System.Text;
using NatsAspire.Server.Subjects;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Subjects;

public sealed class SubjectRulesTests
{
    [Fact]
    [Upstream("sublist_test.go", "TestSublistValidLiteralSubjects")]
    [Upstream("sublist_test.go", "TestSublistValidSubjects")]
    [Upstream("sublist_test.go", "TestSubjectIsLiteral")]
    public void TellsValidSubjectsAsTheGoServerDoes()
    {
        foreach (var row in Golden.Json("vectors", "subjects.json").GetProperty("validity").EnumerateArray())
        {
            var text = row.GetProperty("subject").GetString()!;
            var subject = Encoding.UTF8.GetBytes(text);
            SubjectRules.IsValid(subject).ShouldBe(row.GetProperty("valid").GetBoolean(), $"valid: '{text}'");
            SubjectRules.IsValidLiteral(subject).ShouldBe(row.GetProperty("valid_literal").GetBoolean(), $"literal: '{text}'");
            SubjectRules.HasWildcard(subject).ShouldBe(row.GetProperty("has_wildcard").GetBoolean(), $"wildcard: '{text}'");
        }
    }

    [Fact]
    [Upstream("sublist_test.go", "TestSublistMatchLiterals")]
    [Upstream("sublist_test.go", "TestIsSubsetMatch")]
    [Upstream("sublist_test.go", "TestSublistSubjectCollide")]
    public void MatchesPairsAsTheGoServerDoes()
    {
        foreach (var row in Golden.Json("vectors", "subjects.json").GetProperty("matching").EnumerateArray())
        {
            var (a, b) = (row.GetProperty("a").GetString()!, row.GetProperty("b").GetString()!);
            var (left, right) = (Encoding.UTF8.GetBytes(a), Encoding.UTF8.GetBytes(b));
            SubjectRules.IsSubsetMatch(left, right).ShouldBe(row.GetProperty("a_subset_of_b").GetBoolean(), $"'{a}' within '{b}'");
            SubjectRules.Collide(left, right).ShouldBe(row.GetProperty("collide").GetBoolean(), $"'{a}' meets '{b}'");
            if (!row.TryGetProperty("literal_a_matches_b", out var matches)) continue;
            SubjectRules.Matches(left, right).ShouldBe(matches.GetBoolean(), $"'{a}' for '{b}'");
        }
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("a", 1)]
    [InlineData("a.b.c", 3)]
    [Upstream("sublist_test.go", "TestSubjectToken")]
    public void CountsTokens(string subject, int tokens) =>
        SubjectRules.CountTokens(Encoding.UTF8.GetBytes(subject)).ShouldBe(tokens);
}
