namespace NatsAspire.Server.Configuration;

/// <summary>Says what is wrong with a subject mapping, or null. Transforms live above the configuration.</summary>
public delegate string? MappingValidator(SubjectMappingOptions mapping);
